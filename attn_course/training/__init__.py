"""The one place where arrays become tensors: a loop, its records, and a command line."""
