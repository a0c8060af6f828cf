"""What a release is made with: what is in it, whether it may go out, who signed it. No part of the exchange."""
