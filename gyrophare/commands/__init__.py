"""The command line's larger parts, one command group a file; `gyrophare.cli` hangs them on."""
