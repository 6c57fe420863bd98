"""The console: what is open and who has it, for a browser without JavaScript; it does nothing that the API does not.

The routes, who is signed in, what the forms of an incident ask for
    routes, session, forms

The pages, but for that of an incident (`agent/http/incident_page.py`), and their words
    board_page, silences_page, known_errors_page, words, refusals
"""
