"""The world becomes alerts. Where to look for what:

What an alert is, and what names and picks it
    alert, labels, expression, wording, moment

Push sources, a file each; reading what strangers send
    webhooks, payload, mail

Inspections, a file each; how their readings are judged; rounds that people make
    inspections, source, thresholds, condition, forecast, ups, round

What all rooms stand on: rules as people write them, memories with a bound
    rule, remembering
"""
