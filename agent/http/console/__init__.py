"""The console: what is open and who has it, for a browser without JavaScript; it does nothing that the API does not."""
