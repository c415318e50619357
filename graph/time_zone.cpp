#include "graph/time_zone.h"

// The distribution's library reads compiled zone files and has no download code.
#define USE_OS_TZDB 1
#define HAS_REMOTE_API 0
#include <date/tz.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>

#include "graph/temporal.h"

namespace lora::time_zone {
namespace {

// From here on the footer's rule decides; files list transitions at least until 2037.
constexpr int64_t kRuleFrom = 2'114'380'800;  // 2037-01-01T00:00:00Z

// IANA's links between zones that agree since 1970, for the years before.
struct Link {
  std::string_view name, target;
};
constexpr auto kLinks = std::to_array<Link>({
    {"Africa/Accra", "Africa/Abidjan"},
    {"Africa/Addis_Ababa", "Africa/Nairobi"},
    {"Africa/Asmara", "Africa/Nairobi"},
    {"Africa/Asmera", "Africa/Nairobi"},
    {"Africa/Bamako", "Africa/Abidjan"},
    {"Africa/Bangui", "Africa/Lagos"},
    {"Africa/Banjul", "Africa/Abidjan"},
    {"Africa/Blantyre", "Africa/Maputo"},
    {"Africa/Brazzaville", "Africa/Lagos"},
    {"Africa/Bujumbura", "Africa/Maputo"},
    {"Africa/Conakry", "Africa/Abidjan"},
    {"Africa/Dakar", "Africa/Abidjan"},
    {"Africa/Dar_es_Salaam", "Africa/Nairobi"},
    {"Africa/Djibouti", "Africa/Nairobi"},
    {"Africa/Douala", "Africa/Lagos"},
    {"Africa/Freetown", "Africa/Abidjan"},
    {"Africa/Gaborone", "Africa/Maputo"},
    {"Africa/Harare", "Africa/Maputo"},
    {"Africa/Kampala", "Africa/Nairobi"},
    {"Africa/Kigali", "Africa/Maputo"},
    {"Africa/Kinshasa", "Africa/Lagos"},
    {"Africa/Libreville", "Africa/Lagos"},
    {"Africa/Lome", "Africa/Abidjan"},
    {"Africa/Luanda", "Africa/Lagos"},
    {"Africa/Lubumbashi", "Africa/Maputo"},
    {"Africa/Lusaka", "Africa/Maputo"},
    {"Africa/Malabo", "Africa/Lagos"},
    {"Africa/Maseru", "Africa/Johannesburg"},
    {"Africa/Mbabane", "Africa/Johannesburg"},
    {"Africa/Mogadishu", "Africa/Nairobi"},
    {"Africa/Niamey", "Africa/Lagos"},
    {"Africa/Nouakchott", "Africa/Abidjan"},
    {"Africa/Ouagadougou", "Africa/Abidjan"},
    {"Africa/Porto-Novo", "Africa/Lagos"},
    {"Africa/Timbuktu", "Africa/Abidjan"},
    {"America/Anguilla", "America/Puerto_Rico"},
    {"America/Antigua", "America/Puerto_Rico"},
    {"America/Aruba", "America/Puerto_Rico"},
    {"America/Atikokan", "America/Panama"},
    {"America/Blanc-Sablon", "America/Puerto_Rico"},
    {"America/Cayman", "America/Panama"},
    {"America/Coral_Harbour", "America/Panama"},
    {"America/Creston", "America/Phoenix"},
    {"America/Curacao", "America/Puerto_Rico"},
    {"America/Dominica", "America/Puerto_Rico"},
    {"America/Grenada", "America/Puerto_Rico"},
    {"America/Guadeloupe", "America/Puerto_Rico"},
    {"America/Kralendijk", "America/Puerto_Rico"},
    {"America/Lower_Princes", "America/Puerto_Rico"},
    {"America/Marigot", "America/Puerto_Rico"},
    {"America/Montreal", "America/Toronto"},
    {"America/Montserrat", "America/Puerto_Rico"},
    {"America/Nassau", "America/Toronto"},
    {"America/Nipigon", "America/Toronto"},
    {"America/Port_of_Spain", "America/Puerto_Rico"},
    {"America/St_Barthelemy", "America/Puerto_Rico"},
    {"America/St_Kitts", "America/Puerto_Rico"},
    {"America/St_Lucia", "America/Puerto_Rico"},
    {"America/St_Thomas", "America/Puerto_Rico"},
    {"America/St_Vincent", "America/Puerto_Rico"},
    {"America/Thunder_Bay", "America/Toronto"},
    {"America/Tortola", "America/Puerto_Rico"},
    {"America/Virgin", "America/Puerto_Rico"},
    {"Antarctica/DumontDUrville", "Pacific/Port_Moresby"},
    {"Antarctica/McMurdo", "Pacific/Auckland"},
    {"Antarctica/South_Pole", "Pacific/Auckland"},
    {"Antarctica/Syowa", "Asia/Riyadh"},
    {"Arctic/Longyearbyen", "Europe/Berlin"},
    {"Asia/Aden", "Asia/Riyadh"},
    {"Asia/Bahrain", "Asia/Qatar"},
    {"Asia/Brunei", "Asia/Kuching"},
    {"Asia/Kuala_Lumpur", "Asia/Singapore"},
    {"Asia/Kuwait", "Asia/Riyadh"},
    {"Asia/Muscat", "Asia/Dubai"},
    {"Asia/Phnom_Penh", "Asia/Bangkok"},
    {"Asia/Vientiane", "Asia/Bangkok"},
    {"Atlantic/Jan_Mayen", "Europe/Berlin"},
    {"Atlantic/Reykjavik", "Africa/Abidjan"},
    {"Atlantic/St_Helena", "Africa/Abidjan"},
    {"Europe/Amsterdam", "Europe/Brussels"},
    {"Europe/Belfast", "Europe/London"},
    {"Europe/Bratislava", "Europe/Prague"},
    {"Europe/Busingen", "Europe/Zurich"},
    {"Europe/Copenhagen", "Europe/Berlin"},
    {"Europe/Guernsey", "Europe/London"},
    {"Europe/Isle_of_Man", "Europe/London"},
    {"Europe/Jersey", "Europe/London"},
    {"Europe/Ljubljana", "Europe/Belgrade"},
    {"Europe/Luxembourg", "Europe/Brussels"},
    {"Europe/Mariehamn", "Europe/Helsinki"},
    {"Europe/Monaco", "Europe/Paris"},
    {"Europe/Oslo", "Europe/Berlin"},
    {"Europe/Podgorica", "Europe/Belgrade"},
    {"Europe/San_Marino", "Europe/Rome"},
    {"Europe/Sarajevo", "Europe/Belgrade"},
    {"Europe/Skopje", "Europe/Belgrade"},
    {"Europe/Stockholm", "Europe/Berlin"},
    {"Europe/Uzhgorod", "Europe/Kyiv"},
    {"Europe/Vaduz", "Europe/Zurich"},
    {"Europe/Vatican", "Europe/Rome"},
    {"Europe/Zagreb", "Europe/Belgrade"},
    {"Europe/Zaporozhye", "Europe/Kyiv"},
    {"Iceland", "Africa/Abidjan"},
    {"Indian/Antananarivo", "Africa/Nairobi"},
    {"Indian/Christmas", "Asia/Bangkok"},
    {"Indian/Cocos", "Asia/Yangon"},
    {"Indian/Comoro", "Africa/Nairobi"},
    {"Indian/Kerguelen", "Indian/Maldives"},
    {"Indian/Mahe", "Asia/Dubai"},
    {"Indian/Mayotte", "Africa/Nairobi"},
    {"Indian/Reunion", "Asia/Dubai"},
    {"Pacific/Chuuk", "Pacific/Port_Moresby"},
    {"Pacific/Funafuti", "Pacific/Tarawa"},
    {"Pacific/Johnston", "Pacific/Honolulu"},
    {"Pacific/Majuro", "Pacific/Tarawa"},
    {"Pacific/Midway", "Pacific/Pago_Pago"},
    {"Pacific/Pohnpei", "Pacific/Guadalcanal"},
    {"Pacific/Ponape", "Pacific/Guadalcanal"},
    {"Pacific/Saipan", "Pacific/Guam"},
    {"Pacific/Samoa", "Pacific/Pago_Pago"},
    {"Pacific/Truk", "Pacific/Port_Moresby"},
    {"Pacific/Wake", "Pacific/Tarawa"},
    {"Pacific/Wallis", "Pacific/Tarawa"},
    {"Pacific/Yap", "Pacific/Port_Moresby"},
});
static_assert(std::is_sorted(kLinks.begin(), kLinks.end(),
                             [](const Link& a, const Link& b) { return a.name < b.name; }));

std::string_view name_before_1970(std::string_view name) {
  const auto at = std::lower_bound(kLinks.begin(), kLinks.end(), name,
                                   [](const Link& link, std::string_view n) { return link.name < n; });
  return at != kLinks.end() && at->name == name ? at->target : name;
}

Status unknown(std::string_view name, const char* why) {
  return Status::runtime(ErrorCode::kType, "ArgumentError", "InvalidArgumentValue",
                         "time zone `" + std::string(name) + "` is not in the system's database; " + why);
}

Result<const date::time_zone*> locate(std::string_view name) {
  try {
    return date::locate_zone(name);
  } catch (const std::runtime_error& error) {
    return unknown(name, error.what());
  }
}

const date::time_zone* zone_before_1970(std::string_view name, const date::time_zone* own) {
  const std::string_view target = name_before_1970(name);
  if (target == name) {
    return own;
  }
  const Result<const date::time_zone*> linked = locate(target);
  return linked.ok() ? *linked : own;
}

// --- the footer: a POSIX TZ rule such as CET-1CEST,M3.5.0,M10.5.0/3 ---

struct ChangeDay {
  char kind = 'M';  // M month.week.weekday, J day of year without 29 February from 1, D from 0 with it
  int month = 0, week = 0, day = 0;
  int32_t seconds = 2 * 3600;  // local time of the change
};
struct Rule {
  int32_t standard = 0, summer = 0;
  bool has_summer = false;
  ChangeDay start, end;
};

class RuleParser {
 public:
  explicit RuleParser(std::string_view text) : text_(text) {}
  std::optional<Rule> parse() {
    Rule rule;
    if (!name() || !offset(&rule.standard)) {
      return std::nullopt;
    }
    rule.standard = -rule.standard;
    rule.summer = rule.standard + 3600;
    if (text_.empty()) {
      return rule;
    }
    if (!name()) {
      return std::nullopt;
    }
    if (!text_.empty() && text_[0] != ',') {
      if (!offset(&rule.summer)) {
        return std::nullopt;
      }
      rule.summer = -rule.summer;
    }
    rule.has_summer = true;
    if (!change(&rule.start) || !change(&rule.end) || !text_.empty()) {
      return std::nullopt;
    }
    return rule;
  }

 private:
  bool take(char c) {
    if (text_.empty() || text_[0] != c) {
      return false;
    }
    text_.remove_prefix(1);
    return true;
  }
  bool number(int* value) {
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), *value);
    if (error != std::errc() || *value < 0 || *value > 1000) {
      return false;
    }
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    return true;
  }
  bool name() {
    size_t length = 0;
    if (take('<')) {
      length = text_.find('>');
      if (length == std::string_view::npos) {
        return false;
      }
      text_.remove_prefix(length + 1);
      return true;
    }
    while (length < text_.size() && ((text_[length] | 0x20) >= 'a' && (text_[length] | 0x20) <= 'z')) {
      ++length;
    }
    text_.remove_prefix(length);
    return length > 0;
  }
  bool offset(int32_t* seconds) {
    const bool negative = take('-');
    if (!negative) {
      take('+');
    }
    int h = 0, m = 0, s = 0;
    if (!number(&h) || (take(':') && (!number(&m) || (take(':') && !number(&s))))) {
      return false;
    }
    *seconds = (h * 3600 + m * 60 + s) * (negative ? -1 : 1);
    return true;
  }
  bool change(ChangeDay* change) {
    if (!take(',')) {
      return false;
    }
    if (take('M')) {
      change->kind = 'M';
      if (!number(&change->month) || !take('.') || !number(&change->week) || !take('.') || !number(&change->day) ||
          change->month < 1 || change->month > 12 || change->week < 1 || change->week > 5 || change->day > 6) {
        return false;
      }
    } else {
      change->kind = take('J') ? 'J' : 'D';
      if (!number(&change->day) || change->day > 365 || (change->kind == 'J' && change->day == 0)) {
        return false;
      }
    }
    return !take('/') || offset(&change->seconds);
  }

  std::string_view text_;
};

// Local seconds of a change in a year.
int64_t change_at(const ChangeDay& change, int64_t year) {
  int64_t days = 0;
  if (change.kind == 'M') {
    const int64_t first = temporal::days_from_civil(year, change.month, 1);
    const int64_t weekday = ((first % 7) + 11) % 7;  // 1970-01-01 was a Thursday (4); Sunday is 0
    days = first + (change.day - weekday + 7) % 7 + (change.week - 1) * 7;
    while (days >= first + temporal::days_in_month(year, change.month)) {
      days -= 7;
    }
  } else {
    const int64_t new_year = temporal::days_from_civil(year, 1, 1);
    const bool leap = temporal::days_in_month(year, 2) == 29;
    days = new_year + (change.kind == 'D' ? change.day : change.day - 1 + (leap && change.day >= 60 ? 1 : 0));
  }
  return days * temporal::kSecondsPerDay + change.seconds;
}

int64_t floor_days(int64_t seconds) {
  const int64_t days = seconds / temporal::kSecondsPerDay;
  return seconds % temporal::kSecondsPerDay < 0 ? days - 1 : days;
}

int32_t rule_offset_at(const Rule& rule, int64_t instant) {
  if (!rule.has_summer) {
    return rule.standard;
  }
  const int64_t year = temporal::civil_from_days(floor_days(instant + rule.standard)).year;
  const int64_t start = change_at(rule.start, year) - rule.standard;
  const int64_t end = change_at(rule.end, year) - rule.summer;
  const bool summer = start < end ? instant >= start && instant < end : !(instant >= end && instant < start);
  return summer ? rule.summer : rule.standard;
}

LocalOffset rule_offset_of_local(const Rule& rule, int64_t local) {
  const bool standard = rule_offset_at(rule, local - rule.standard) == rule.standard;
  const bool summer = rule.has_summer && rule_offset_at(rule, local - rule.summer) == rule.summer;
  if (standard && summer) {
    return {std::max(rule.standard, rule.summer), std::min(rule.standard, rule.summer), false};
  }
  if (standard || summer) {
    const int32_t offset = standard ? rule.standard : rule.summer;
    return {offset, offset, false};
  }
  const int32_t before = std::min(rule.standard, rule.summer);
  return {before, before, true};
}

// The rule of a zone's file; empty when there is none or it cannot be read.
std::optional<Rule> find_rule(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, std::optional<Rule>, std::less<>> rules;
  const std::lock_guard lock(mutex);
  if (const auto found = rules.find(name); found != rules.end()) {
    return found->second;
  }
  std::optional<Rule> rule;
  std::ifstream file("/usr/share/zoneinfo/" + std::string(name), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (bytes.size() > 44 && bytes.starts_with("TZif") && bytes.back() == '\n') {
    const size_t start = bytes.rfind('\n', bytes.size() - 2);
    if (start != std::string::npos) {
      rule = RuleParser(std::string_view(bytes).substr(start + 1, bytes.size() - start - 2)).parse();
    }
  }
  rules.emplace(name, rule);
  return rule;
}

}  // namespace

Status check(std::string_view name) {
  return locate(name).status();
}

Result<int32_t> offset_at(std::string_view name, int64_t instant) {
  LORA_ASSIGN(const date::time_zone* zone, locate(name));
  if (instant >= kRuleFrom) {
    if (const auto rule = find_rule(name)) {
      return rule_offset_at(*rule, instant);
    }
  }
  if (instant < 0) {
    zone = zone_before_1970(name, zone);
  }
  try {
    const auto found = zone->get_info(date::sys_seconds(std::chrono::seconds(instant)));
    return static_cast<int32_t>(found.offset.count());
  } catch (const std::runtime_error& error) {
    return unknown(name, error.what());
  }
}

Result<LocalOffset> offset_of_local(std::string_view name, int64_t local) {
  LORA_ASSIGN(const date::time_zone* zone, locate(name));
  if (local >= kRuleFrom) {
    if (const auto rule = find_rule(name)) {
      return rule_offset_of_local(*rule, local);
    }
  }
  if (local < 0) {
    zone = zone_before_1970(name, zone);
  }
  try {
    const auto found = zone->get_info(date::local_seconds(std::chrono::seconds(local)));
    const auto first = static_cast<int32_t>(found.first.offset.count());
    switch (found.result) {
      case date::local_info::ambiguous:
        return LocalOffset{first, static_cast<int32_t>(found.second.offset.count()), false};
      case date::local_info::nonexistent: return LocalOffset{first, first, true};
      default: return LocalOffset{first, first, false};
    }
  } catch (const std::runtime_error& error) {
    return unknown(name, error.what());
  }
}

}  // namespace lora::time_zone
