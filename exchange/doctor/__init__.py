"""Looks an installation over: what is wrong, how bad it is, and what to do about it. Changes nothing."""
