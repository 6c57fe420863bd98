"""The doors: whoever comes over HTTP.

Where alerts come in, and what a supervisor asks
    webhooks, health

The API: the frame around each route, who calls, what is refused
    api, calls, auth, answers, problems, explain, patience, masking, openapi

The connection: where the house listens, who is let in
    listening, door, proxies, turned_away

The routes, by what they are about
    acts, attachments, automation, brief, cases, events, improvements, items, known_errors, lists, notices, people
    rota, rounds, silences, statistics

As Alertmanager has them; the page behind a link
    alertmanager_v2, ack

What is asked and sent
    queries, cursors, bodies, act_bodies, case_bodies, record_bodies

What is read, what is made of it, and its form
    reads, render, views, list_views, case_views

Pages for people
    console, incident_page, prose
"""
