"""Incidents reach people. Where to look for what:

How long there is, and which steps come when
    sla, timetable, agenda, forecast, ola, vendor

Who is on call, who holds a role, and whom a step reaches
    oncall, rota, coverage, ics, times, roles, escalate

Pages: promised, claimed, sent, tried again
    outbox, open_pages, called, delivery, notifiers, recovery

What a page says
    message, page_facts, page_words, page_payload, template, words, receipt

Notices by the calendar
    notice, notice_book, notice_text

The rows of the store
    store
"""
