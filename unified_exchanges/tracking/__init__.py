"""Every order of a client as one state machine, whatever tells of it and in which order."""
