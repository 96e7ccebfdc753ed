"""Where tables come from: scikit-learn's data sets, files of numbers, and files with columns of any kind."""
