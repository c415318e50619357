RETURN datetime({year: 2024, month: 5, day: 6, hour: 7, timezone: 'Europe/Oslo'}) AS a, date.truncate('week', date('2024-05-06')) AS w, datetime('2024-01-01T00:00Z').epochMillis
