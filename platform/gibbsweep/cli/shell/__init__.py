"""What all commands share of a shell: words of a command line, help, quoting, terminals, operating systems."""
