"""What consumers follow: one stream shared by all that watch, exact over its breaks."""
