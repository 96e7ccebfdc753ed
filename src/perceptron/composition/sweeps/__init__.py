"""Many runs: composed, run, searched, resumed and reported."""
