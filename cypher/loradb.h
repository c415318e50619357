// LoraDB for C++ programs: include this one. Everything is in namespace lora.
#pragma once

#include "cypher/database.h"
#include "graph/text.h"
#include "graph/value.h"
#include "kv/status.h"
