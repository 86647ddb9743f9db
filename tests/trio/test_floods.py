"""Too much of everything: events, tables, answers, headers, files.

Values end up right, life signs go on, scrapes are answered in between, memory stays bounded, and
nobody waits for long.
"""
