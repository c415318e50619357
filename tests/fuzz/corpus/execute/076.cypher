MATCH (a:Person|City&!Admin) WHERE a:Person OR a:%  RETURN a
