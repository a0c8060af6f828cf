"""How the process fares: health, metrics, logs and the watchdog."""
