"""GitHub's REST API: approvals, deployments, checks, comments, issues, and the ledger that lives in a repository.

PyGithub connects and authenticates. What is asked stands here as verb and path, because half of it (approvals, branch
rules, compare-and-swap on files) has no typed call there, and a typed object may ask again behind one's back.
"""
