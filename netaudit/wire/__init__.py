"""Probes to payload text, bytes to sections, captures to files. No sockets, no clocks, no files.

head      the comment head of a probe           bundle    probes -> one payload for one exec channel
scan      shell text, as far as quotes go       marker    the lines that frame an answer
frame     bytes -> sections, as they come       codec     a capture <-> bytes to keep
"""
