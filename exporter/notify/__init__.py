"""Notices: who is told what, when, and that it arrives.

In: changes of alerts, routes and channels. Out: messages to Slack, e-mail, PagerDuty, webhooks, Teams, Discord,
the console.
"""
