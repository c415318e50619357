UNWIND [1, 2, 0] AS x CREATE (:N {v: 10 / x})
