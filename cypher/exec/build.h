// Makes operators from a logical plan. One function per operator family; build.cpp has the one switch over OpKind.
#pragma once

#include "cypher/exec/operator.h"

namespace lora::cypher {

// The operator for `op` with all its inputs.
OperatorPtr build_operator(const BuildContext& build, const LogicalOp* op);

// A row source's input: its logical input, or an Argument when it has none.
OperatorPtr build_input(const BuildContext& build, const LogicalOp* op);

// --- one per operator, in the file of its family ---
OperatorPtr make_argument(const BuildContext& build, const LogicalOp* op);
OperatorPtr make_node_scan(const BuildContext& build, const LogicalOp* op, OperatorPtr input);  // all nodes, by label
OperatorPtr make_node_by_id_seek(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_index_seek(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_index_range_scan(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_relationship_scan(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_relationship_by_id_seek(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_count_store(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_degree(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_expand(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_intersect(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_var_expand(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_repeat(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_shortest_path(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_path_selection(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_filter(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_projection(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_aggregate(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_distinct(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_sort(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_skip(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_limit(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_unwind(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_eager(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_apply(const BuildContext& build, const LogicalOp* op);
OperatorPtr make_semi_apply(const BuildContext& build, const LogicalOp* op);
OperatorPtr make_hash_join(const BuildContext& build, const LogicalOp* op);
OperatorPtr make_union(const BuildContext& build, const LogicalOp* op);
OperatorPtr make_create(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_merge(const BuildContext& build, const LogicalOp* op);
OperatorPtr make_set_properties(const BuildContext& build, const LogicalOp* op, OperatorPtr input);  // and Remove
OperatorPtr make_delete(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_foreach(const BuildContext& build, const LogicalOp* op);
OperatorPtr make_procedure_call(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_load_csv(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_call_subquery(const BuildContext& build, const LogicalOp* op);
OperatorPtr make_schema_command(const BuildContext& build, const LogicalOp* op);
OperatorPtr make_show(const BuildContext& build, const LogicalOp* op, OperatorPtr input);
OperatorPtr make_produce_results(const BuildContext& build, const LogicalOp* op, OperatorPtr input);

// Every row of the right-hand side comes from one row of its Argument, in the Argument's order: such a side can be run
// on many outer rows at once.
bool is_row_wise(const LogicalOp* op);

}  // namespace lora::cypher
