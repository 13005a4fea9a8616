"""Studies: reading a file, laying a command line over it, compiling it to cells."""
