RETURN toInteger('12'), toFloat('1e3'), toString(1.0), toBoolean('true'), toStringOrNull([1]), valueType(1), 'a' =~ '(?i)A.*'
