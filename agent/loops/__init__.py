"""What runs beside the line: each loop hands its findings in as intents, or works where the line need not wait.

Time, and what it brings
    ticker, cycle, wall, supervisor

Pages on their way out
    courier, queues, channels, paging

Looking at the world
    inspect, reconcile, rota_watch, journal_size

Work that is not waited for
    ranker, encoder, runner, letting_go
"""
