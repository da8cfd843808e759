"""How what stands in a sweep's folder comes to stand in a store: its runs, each report, picture and file once."""
