"""Many hosts at once: folding of names and findings, totals, and what only several hosts together show.

Pure arithmetic over finished values. It must not know where a host's answer came from nor how a report looks.
"""
