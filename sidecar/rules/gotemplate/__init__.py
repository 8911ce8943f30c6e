"""Go's text/template: the language of alert texts, with the values, the formats and the errors of Go. Pure."""
