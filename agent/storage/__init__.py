"""The store: SQLite, or PostgreSQL.

The one who writes
    writer, sqlite, postgres, wide_rows

Opening it, and keeping it
    database, opening, filesystem, backup, compact, numbers

Its tables and how they came to be
    store, tables, migrate, migrations
"""
