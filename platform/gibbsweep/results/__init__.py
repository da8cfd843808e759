"""The results of a study: rows, verdicts, accounts, figures and pictures, as JSON and Markdown."""
