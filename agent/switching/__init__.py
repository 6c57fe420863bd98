"""Coming from elsewhere.

An Alertmanager's configuration, read as a site
    from_alertmanager, alertmanager_times
"""
