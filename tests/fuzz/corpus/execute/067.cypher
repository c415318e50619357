RETURN point({longitude: 10.75, latitude: 59.91}) AS p, point.distance(point({x: 0, y: 0}), point({x: 3, y: 4})) AS d
