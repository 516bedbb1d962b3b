#include "src/io/training_proto.h"

#include <cmath>
#include <type_traits>
#include <vector>

#include <google/protobuf/descriptor.h>

#include "absl/strings/str_cat.h"
#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "src/io/proto_guard.h"

namespace gopt {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The one list of fields, walked in both directions.
template <typename Visitor>
void Visit(TrainingProblem* problem, Visitor* visitor) {
  visitor->Field("graph", &problem->graph);
  visitor->Field("machine", &problem->machine);
  visitor->Field("constraints", &problem->constraints);
}

template <typename Visitor>
void Visit(NetworkOptions* network, Visitor* visitor) {
  visitor->Field("width", &network->width);
  visitor->Field("encoder_layers", &network->encoder_layers);
  visitor->Field("edge_features", &network->edge_features);
  visitor->Field("attention_layers", &network->attention_layers);
  visitor->Field("attention_heads", &network->attention_heads);
  visitor->Field("segment", &network->segment);
  visitor->Field("recurrence", &network->recurrence);
  visitor->Field("modulation", &network->modulation);
  visitor->Field("rounds", &network->rounds);
  visitor->Field("state_width", &network->state_width);
  visitor->Field("task_attention", &network->task_attention);
  visitor->Field("conditioning", &network->conditioning);
  visitor->Field("head_width", &network->head_width);
  visitor->Field("decoder", &network->decoder);
  visitor->Field("fusion_levels", &network->fusion_levels);
  visitor->Field("priority_levels", &network->priority_levels);
  visitor->Field("residual_logit", &network->residual_logit);
  visitor->Field("priority_scale", &network->priority_scale);
  visitor->Field("stickiness_base", &network->stickiness_base);
  visitor->Field("stickiness_scale", &network->stickiness_scale);
  visitor->Field("fusion_scale", &network->fusion_scale);
  visitor->Field("value", &network->value);
  visitor->Field("seed", &network->seed);
}

template <typename Visitor>
void Visit(ExplorationOptions* exploration, Visitor* visitor) {
  visitor->Field("shared", &exploration->shared);
  visitor->Field("rank", &exploration->rank);
  visitor->Field("priority_sigma", &exploration->priority_sigma);
  visitor->Field("stickiness_sigma", &exploration->stickiness_sigma);
  visitor->Field("fusion_sigma", &exploration->fusion_sigma);
  visitor->Field("sparse_share", &exploration->sparse_share);
  visitor->Field("sparse_sigma", &exploration->sparse_sigma);
  visitor->Field("head_probability", &exploration->head_probability);
  visitor->Field("antithetic", &exploration->antithetic);
}

template <typename Visitor>
void Visit(RewardOptions* reward, Visitor* visitor) {
  visitor->Field("kind", &reward->kind);
  visitor->Field("infeasible", &reward->infeasible);
  visitor->Field("graded", &reward->graded);
}

template <typename Visitor>
void Visit(PpoOptions* ppo, Visitor* visitor) {
  visitor->Field("samples", &ppo->samples);
  visitor->Field("epochs", &ppo->epochs);
  visitor->Field("minibatches", &ppo->minibatches);
  visitor->Field("clip", &ppo->clip);
  visitor->Field("log_ratio_limit", &ppo->log_ratio_limit);
  visitor->Field("target_kl", &ppo->target_kl);
  visitor->Field("baseline", &ppo->baseline);
  visitor->Field("normalize_advantage", &ppo->normalize_advantage);
  visitor->Field("advantage_limit", &ppo->advantage_limit);
  visitor->Field("value_coefficient", &ppo->value_coefficient);
  visitor->Field("entropy_coefficient", &ppo->entropy_coefficient);
  visitor->Field("entropy_coefficient_end", &ppo->entropy_coefficient_end);
  visitor->Field("output_l2", &ppo->output_l2);
  visitor->Field("self_imitation", &ppo->self_imitation);
  visitor->Field("learning_rate", &ppo->learning_rate);
  visitor->Field("learning_rate_end", &ppo->learning_rate_end);
  visitor->Field("max_gradient_norm", &ppo->max_gradient_norm);
}

template <typename Visitor>
void Visit(TrainingConfig* config, Visitor* visitor) {
  visitor->Field("name", &config->name);
  visitor->Field("problem", &config->problem);
  visitor->Field("evaluation", &config->evaluation);
  visitor->Field("fusion", &config->fusion);
  visitor->Field("placement", &config->placement);
  visitor->Field("scheduling", &config->scheduling);
  visitor->Field("backend", &config->backend);
  visitor->Field("network", &config->network);
  visitor->Field("exploration", &config->exploration);
  visitor->Field("reward", &config->reward);
  visitor->Field("ppo", &config->ppo);
  visitor->Field("iterations", &config->iterations);
  visitor->Field("batch", &config->batch);
  visitor->Field("curriculum", &config->curriculum);
  visitor->Field("seed", &config->seed);
  visitor->Field("threads", &config->threads);
  visitor->Field("deterministic", &config->deterministic);
  visitor->Field("checkpoint_minutes", &config->checkpoint_minutes);
  visitor->Field("evaluate_every", &config->evaluate_every);
  visitor->Field("patience", &config->patience);
  visitor->Field("init", &config->init);
}

const FieldDescriptor* FieldOf(const Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  GOPT_CHECK(field != nullptr);
  return field;
}

class Writer {
 public:
  explicit Writer(Message* message) : message_(*message), access_(*message->GetReflection()) {}

  template <typename T>
  void Field(const char* name, T* value) {
    const FieldDescriptor* field = FieldOf(message_, name);
    if constexpr (std::is_enum_v<T>) {
      access_.SetEnumValue(&message_, field, static_cast<int>(*value));
    } else if constexpr (std::is_same_v<T, bool>) {
      access_.SetBool(&message_, field, *value);
    } else if constexpr (std::is_same_v<T, int>) {
      access_.SetInt32(&message_, field, *value);
    } else if constexpr (std::is_same_v<T, int64_t>) {
      access_.SetInt64(&message_, field, *value);
    } else if constexpr (std::is_same_v<T, uint64_t>) {
      access_.SetUInt64(&message_, field, *value);
    } else if constexpr (std::is_same_v<T, double>) {
      access_.SetDouble(&message_, field, *value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      access_.SetString(&message_, field, *value);
    } else {
      Writer part(access_.MutableMessage(&message_, field));
      Visit(value, &part);
    }
  }

  void Field(const char* name, std::vector<TrainingProblem>* problems) {
    for (TrainingProblem& problem : *problems) {
      Writer part(access_.AddMessage(&message_, FieldOf(message_, name)));
      Visit(&problem, &part);
    }
  }

 private:
  Message& message_;
  const google::protobuf::Reflection& access_;
};

// Keeps the first fault.
class Reader {
 public:
  Reader(const Message& message, std::string prefix)
      : message_(message), access_(*message.GetReflection()), prefix_(std::move(prefix)) {}

  const absl::Status& status() const { return status_; }

  template <typename T>
  void Field(const char* name, T* value) {
    const FieldDescriptor* field = FieldOf(message_, name);
    if (!status_.ok() || !access_.HasField(message_, field)) return;
    if constexpr (std::is_enum_v<T>) {
      const int number = access_.GetEnumValue(message_, field);
      CheckEnum(*field, number);
      if (status_.ok()) *value = static_cast<T>(number);
    } else if constexpr (std::is_same_v<T, bool>) {
      *value = access_.GetBool(message_, field);
    } else if constexpr (std::is_same_v<T, int>) {
      *value = access_.GetInt32(message_, field);
    } else if constexpr (std::is_same_v<T, int64_t>) {
      *value = access_.GetInt64(message_, field);
    } else if constexpr (std::is_same_v<T, uint64_t>) {
      *value = access_.GetUInt64(message_, field);
    } else if constexpr (std::is_same_v<T, double>) {
      *value = access_.GetDouble(message_, field);
      if (!std::isfinite(*value)) Fault(name, ": ", *value, " is not finite");
    } else if constexpr (std::is_same_v<T, std::string>) {
      *value = access_.GetString(message_, field);
      CheckText(name, *value);
    } else {
      Part(access_.GetMessage(message_, field), absl::StrCat(prefix_, name, "."), value);
    }
  }

  void Field(const char* name, std::vector<TrainingProblem>* problems) {
    const FieldDescriptor* field = FieldOf(message_, name);
    const int count = access_.FieldSize(message_, field);
    problems->resize(static_cast<size_t>(count));
    for (int i = 0; i < count && status_.ok(); ++i) {
      Part(access_.GetRepeatedMessage(message_, field, i),
           absl::StrCat(prefix_, name, "[", i, "]."), &(*problems)[static_cast<size_t>(i)]);
    }
  }

 private:
  template <typename T>
  void Part(const Message& message, std::string prefix, T* value) {
    Reader part(message, std::move(prefix));
    Visit(value, &part);
    status_ = part.status();
  }

  void CheckEnum(const FieldDescriptor& field, int number) {
    const EnumValueDescriptor* choice = field.enum_type()->FindValueByNumber(number);
    if (number != 0 && choice != nullptr) return;
    const std::string is = choice == nullptr ? absl::StrCat(number) : choice->name();
    Fault(field.name(), ": ", is, " is none of ", EnumChoices(*field.enum_type()));
  }

  void CheckText(const char* name, const std::string& text) {
    if (!IsValidUtf8(text)) return Fault(name, ": '", Printable(text), "' is not valid UTF-8");
    status_ = CheckNameText(text, prefix_ + name);
  }

  template <typename... Parts>
  void Fault(const Parts&... parts) {
    status_ = absl::InvalidArgumentError(absl::StrCat(prefix_, parts...));
  }

  const Message& message_;
  const google::protobuf::Reflection& access_;
  const std::string prefix_;
  absl::Status status_;
};

}  // namespace

std::string EnumChoices(const google::protobuf::EnumDescriptor& type) {
  std::string choices;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() == 0) continue;
    absl::StrAppend(&choices, choices.empty() ? "" : ", ", type.value(i)->name());
  }
  return choices;
}

v1::TrainingConfigProto ToProto(const TrainingConfig& config) {
  v1::TrainingConfigProto proto;
  TrainingConfig copy = config;  // Visitors may change what they visit.
  Writer writer(&proto);
  Visit(&copy, &writer);
  return proto;
}

absl::StatusOr<TrainingConfig> TrainingConfigFromProto(const v1::TrainingConfigProto& proto) {
  TrainingConfig config;
  Reader reader(proto, "");
  Visit(&config, &reader);
  GOPT_RETURN_IF_ERROR(reader.status());
  return config;
}

}  // namespace gopt
