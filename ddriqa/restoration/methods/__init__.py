"""Training methods: a file each, and a table of them in ``catalogue``."""
