"""What a release is made with: the list of what is in it, and the check that it may go out. No part of the exchange."""
