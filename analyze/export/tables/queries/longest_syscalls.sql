-- The longest system calls of the program, and where they were made.
SELECT g, func, at_ns, dur_ns, at_func, at_file, at_line, at_call, cut_begin, cut_end
FROM read_parquet('slices.parquet')
WHERE state = 'syscall' AND NOT runtime
ORDER BY dur_ns DESC, at_ns, g
LIMIT 20;
