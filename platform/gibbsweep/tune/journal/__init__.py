"""The sweep's truth, written before anything happens and read after a crash: what each trial is to do and what became of it."""
