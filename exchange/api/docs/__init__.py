"""What is told about the API: OpenAPI, AsyncAPI, a list of what is supported, and pages to read, all generated."""
