#include "cypher/exec/build.h"

#include "cypher/plan/op_traits.h"

namespace lora::cypher {

OperatorPtr build_input(const BuildContext& build, const LogicalOp* op) {
  return op->inputs.empty() ? make_argument(build, nullptr) : build_operator(build, op->inputs[0]);
}

OperatorPtr build_operator(const BuildContext& build, const LogicalOp* op) {
  const auto input = [&] { return build_input(build, op); };
  switch (op->kind) {
    case OpKind::kArgument: return make_argument(build, op);
    case OpKind::kAllNodesScan:
    case OpKind::kLabelScan: return make_node_scan(build, op, input());
    case OpKind::kNodeByIdSeek: return make_node_by_id_seek(build, op, input());
    case OpKind::kIndexSeek: return make_index_seek(build, op, input());
    case OpKind::kIndexRangeScan: return make_index_range_scan(build, op, input());
    case OpKind::kRelationshipScan: return make_relationship_scan(build, op, input());
    case OpKind::kRelationshipByIdSeek: return make_relationship_by_id_seek(build, op, input());
    case OpKind::kCountStore: return make_count_store(build, op, input());
    case OpKind::kDegree: return make_degree(build, op, input());
    case OpKind::kExpand: return make_expand(build, op, input());
    case OpKind::kIntersect: return make_intersect(build, op, input());
    case OpKind::kVarExpand: return make_var_expand(build, op, input());
    case OpKind::kRepeat: return make_repeat(build, op, input());
    case OpKind::kShortestPath: return make_shortest_path(build, op, input());
    case OpKind::kPathSelection: return make_path_selection(build, op, input());
    case OpKind::kFilter: return make_filter(build, op, input());
    case OpKind::kProjection: return make_projection(build, op, input());
    case OpKind::kAggregate: return make_aggregate(build, op, input());
    case OpKind::kDistinct: return make_distinct(build, op, input());
    case OpKind::kSort: return make_sort(build, op, input());
    case OpKind::kSkip: return make_skip(build, op, input());
    case OpKind::kLimit: return make_limit(build, op, input());
    case OpKind::kUnwind: return make_unwind(build, op, input());
    case OpKind::kEager: return make_eager(build, op, input());
    case OpKind::kApply: return make_apply(build, op);
    case OpKind::kSemiApply: return make_semi_apply(build, op);
    case OpKind::kHashJoin: return make_hash_join(build, op);
    case OpKind::kUnion: return make_union(build, op);
    case OpKind::kCreate: return make_create(build, op, input());
    case OpKind::kMerge: return make_merge(build, op);
    case OpKind::kSetProperties:
    case OpKind::kRemove: return make_set_properties(build, op, input());
    case OpKind::kDelete: return make_delete(build, op, input());
    case OpKind::kForeach: return make_foreach(build, op);
    case OpKind::kProcedureCall: return make_procedure_call(build, op, input());
    case OpKind::kLoadCsv: return make_load_csv(build, op, input());
    case OpKind::kCallSubquery: return make_call_subquery(build, op);
    case OpKind::kSchemaCommand: return make_schema_command(build, op);
    case OpKind::kShow: return make_show(build, op, input());
    case OpKind::kProduceResults: return make_produce_results(build, op, input());
  }
  return nullptr;
}

bool is_row_wise(const LogicalOp* op) {
  // Right sides of Apply and its kin give, per left row, whatever they like.
  for (; is_row_wise_step(op->kind); op = op->inputs[0]) {
    if (op->inputs.empty()) return true;
  }
  return false;
}

}  // namespace lora::cypher
