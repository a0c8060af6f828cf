"""What operators may ask, by theme: one function per method, (house, question) -> answer."""
