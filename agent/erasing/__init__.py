"""Erasing a person from what is stored.

The rule: what of a value names them, what of each table is changed
    identity, tables

The walk over the rows
    walk
"""
