"""Pictures drawn from arrays; they know neither models nor loggers."""
