RETURN date('2024-02-29') + duration({months: 1, days: 1}) AS d, duration.between(date('2020-01-01'), datetime('2021-03-04T05:06:07+01:00')) AS b, localtime('12:34:56.789').second AS s
