"""What machines that watch are told: alive, ready, and figures; and who is told that we live."""
