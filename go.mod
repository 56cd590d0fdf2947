module gmptrace

go 1.26.0
