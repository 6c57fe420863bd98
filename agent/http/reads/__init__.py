"""What the API reads of the store, on the readers' engine. Values are never part of the text of a statement.

By subject
    incidents, alerts, lists, attachments, cases

What is added up, and what is counted
    sums, counts

How
    session
"""
