RETURN substring('hello', 1, 2), left('abc', 2), right('abc', 9), split('a,b', ','), replace('aa', 'a', 'b'), trim('  x '), reverse('abc'), toUpper('ß'), normalize('a')
