"""Puts this folder on the path: tests of exhibits, one folder down, share its makers of frames."""
