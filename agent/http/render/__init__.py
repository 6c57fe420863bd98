"""Rows become what is shown, as `views` and `list_views` have it: for one reader, in their language, as of one moment.

An incident, its record and its plan
    reader, record, plan

The rows of lists
    lists

What the columns of rows stand for
    stored
"""
