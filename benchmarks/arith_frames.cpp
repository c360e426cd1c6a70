#include "benchmarks/arith_language.hpp"

namespace tenbit::arith {

using enum draw;

const std::vector<person>& people() {
  static const std::vector<person> list = {
      {"Maya", true},   {"Oskar", false}, {"Priya", true},  {"Diego", false}, {"Hana", true},
      {"Felix", false}, {"Amara", true},  {"Tomas", false}, {"Lucia", true},  {"Kofi", false},
      {"Ingrid", true}, {"Yusuf", false}, {"Zoe", true},    {"Bram", false},  {"Naomi", true},
      {"Rohan", false}, {"Elif", true},   {"Mateo", false}, {"Sofia", true},  {"Jonas", false},
      {"Wen", true},    {"Pavel", false}, {"Greta", true},  {"Idris", false},
  };
  return list;
}

const std::vector<frame>& frames() {
  static const std::vector<frame> list = {shop_frame(),   farm_frame(),   school_frame(),
                                          travel_frame(), baking_frame(), savings_frame()};
  return list;
}

static std::vector<clause> shop_openings() {
  return {
      {"{N} runs a small shop and starts the month with {a} {t} on the shelves.", {amount}, {}},
      {"{N} opens a small shop with {a} boxes of {t}, and every box holds {b} {t}.",
       {factor, factor},
       {{'a', '*', 'b', "The boxes hold {=} {t}.", "{t} in the boxes at the start"}}},
      {"The shop of {N} stocks {a} {t} in the front room and {b} {t} in the back room.",
       {amount, amount},
       {{'a', '+', 'b', "The two rooms hold {=} {t}.", "{t} in both rooms"}}},
  };
}

static std::vector<clause> shop_middles() {
  return {
      {"A delivery truck brings {a} more {t}.",
       {amount},
       {{'V', '+', 'a', "After the delivery there are {=} {t}.", "{t} after the delivery"}}},
      {"A supplier drops off {a} crates with {b} {t} in each crate.",
       {factor, factor},
       {{'a', '*', 'b', "The crates hold {=} {t}.", "{t} in the crates"},
        {'V', '+', 'P', "With the crates there are {=} {t}.", "{t} with the crates"}}},
      {"Over the weekend {s} sells {a} {t}.",
       {part},
       {{'V', '-', 'a', "After the weekend {=} {t} are left.", "{t} left after the weekend"}}},
      {"A school buys half of the {t} in the shop.",
       {},
       {{'V', '/', '2', "The school leaves {=} {t}.", "{t} left after the school's purchase"}}},
      {"A leak damages {a} percent of the {t}, and {s} throws those out.",
       {percent},
       {{'V', '*', 'a', "To find {a} percent of the {t}, first take {=}.",
         "the stock times the damaged percentage"},
        {'P', '/', 'H', "The damaged {t} number {=}.", "{t} damaged by the leak"},
        {'V', '-', 'P', "The leak leaves {=} {t}.", "{t} left after the leak"}}},
      {"Before the holidays {s} orders enough {t} to have {a} times as many as before.",
       {factor},
       {{'V', '*', 'a', "For the holidays {s} has {=} {t}.", "{t} for the holidays"}}},
      {"{H} other shop owns twice as many {t}, and {s} moves them all here.",
       {},
       {{'V', '*', '2', "The other shop owns {=} {t}.", "{t} from the other shop"},
        {'V', '+', 'P', "Both shops together have {=} {t}.", "{t} of both shops"}}},
      {"{S} gives away {a} {t} to a charity.",
       {part},
       {{'V', '-', 'a', "After the gift {s} has {=} {t}.", "{t} left after the gift"}}},
      {"{O} returns {a} {t} that were bought by mistake.",
       {amount},
       {{'V', '+', 'a', "With the returned ones there are {=} {t}.", "{t} after the return"}}},
      {"Online {s} sells {a} {t} a day for {b} days.",
       {factor, factor},
       {{'a', '*', 'b', "Online {s} sells {=} {t}.", "{t} sold online"},
        {'V', '-', 'P', "The online sales leave {=} {t}.", "{t} left after the online sales"}}},
  };
}

static std::vector<clause> shop_finishes() {
  return {
      {"How many {t} does {N} have in the shop now?", {}, {}},
      {"{S} sells all the {t} in the shop for ${a} each. How many dollars does {s} earn from this "
       "sale?",
       {price},
       {{'V', '*', 'a', "The final sale brings {=} dollars.", "dollars from the final sale"}}},
      {"{S} packs all the {t} into gift bags of {a}. How many gift bags are there?",
       {factor},
       {{'V', '/', 'a', "That makes {=} gift bags.", "gift bags packed"}}},
  };
}

frame shop_frame() {
  return {{"notebooks", "candles", "mugs", "lamps", "scarves", "puzzles"},
          shop_openings(),
          shop_middles(),
          shop_finishes()};
}

static std::vector<clause> farm_openings() {
  return {
      {"{N} works on a farm and has gathered {a} {t} so far.", {amount}, {}},
      {"{N} fills {a} baskets on the farm, putting {b} {t} in each basket.",
       {factor, factor},
       {{'a', '*', 'b', "The baskets hold {=} {t}.", "{t} in the baskets"}}},
      {"One morning {N} brings in {a} {t} from the north field and {b} {t} from the south field.",
       {amount, amount},
       {{'a', '+', 'b', "The two fields give {=} {t}.", "{t} from the north and south fields"}}},
  };
}

static std::vector<clause> farm_middles() {
  return {
      {"In the evening {s} gathers {a} more {t}.",
       {amount},
       {{'V', '+', 'a', "By the evening {s} has {=} {t}.", "{t} by the evening"}}},
      {"{O} helps for {a} hours and gathers {b} {t} per hour.",
       {factor, price},
       {{'a', '*', 'b', "{O} gathers {=} {t}.", "{t} gathered by {O}"},
        {'V', '+', 'P', "With the help of {O} that makes {=} {t}.", "{t} with the help of {O}"}}},
      {"Some deer eat {a} of the {t}.",
       {part},
       {{'V', '-', 'a', "The deer leave {=} {t}.", "{t} left by the deer"}}},
      {"{S} gives {a} {t} to a neighbor.",
       {part},
       {{'V', '-', 'a', "After that gift {s} has {=} {t}.", "{t} left after the gift"}}},
      {"{S} takes half of the {t} to the market and sells them there.",
       {},
       {{'V', '/', '2', "The other half is {=} {t}.", "{t} not taken to the market"}}},
      {"Frost spoils {a} percent of the {t}.",
       {percent},
       {{'V', '*', 'a', "To find {a} percent of the {t}, first take {=}.",
         "the harvest times the spoiled percentage"},
        {'P', '/', 'H', "The spoiled {t} number {=}.", "{t} spoiled by frost"},
        {'V', '-', 'P', "The frost leaves {=} good {t}.", "{t} left after the frost"}}},
      {"The west field yields twice as many {t} as {s} has at that point, and {s} adds them.",
       {},
       {{'V', '*', '2', "The west field yields {=} {t}.", "{t} from the west field"},
        {'V', '+', 'P', "With the west field {s} has {=} {t}.", "{t} with the west field"}}},
      {"{S} divides the {t} equally among {a} barns and from then on counts only the first barn.",
       {factor},
       {{'V', '/', 'a', "Each barn holds {=} {t}.", "{t} in the first barn"}}},
      {"{S} sends {a} sacks of {b} {t} each to a restaurant.",
       {factor, factor},
       {{'a', '*', 'b', "The sacks hold {=} {t}.", "{t} in the sacks"},
        {'V', '-', 'P', "Without the sacks {=} {t} remain.", "{t} left after the sacks are sent"}}},
  };
}

static std::vector<clause> farm_finishes() {
  return {
      {"How many {t} does {N} have now?", {}, {}},
      {"{S} shares the {t} equally among {a} families. How many {t} does each family get?",
       {factor},
       {{'V', '/', 'a', "Each family gets {=} {t}.", "{t} for each family"}}},
      {"Later {s} sells all the {t} that remain at ${a} apiece. How many dollars does {s} receive?",
       {price},
       {{'V', '*', 'a', "{S} receives {=} dollars.", "dollars received for the {t}"}}},
  };
}

frame farm_frame() {
  return {{"melons", "pumpkins", "potatoes", "carrots", "onions", "turnips"},
          farm_openings(),
          farm_middles(),
          farm_finishes()};
}

static std::vector<clause> school_openings() {
  return {
      {"The class of {N} has {a} {t} at the start of the year.", {amount}, {}},
      {"{N} prepares a classroom with {a} tables and lays {b} {t} on each table.",
       {factor, factor},
       {{'a', '*', 'b', "On the tables there are {=} {t}.", "{t} on the tables"}}},
      {"For the school {N} collects {a} {t} from the first grade and {b} {t} from the second "
       "grade.",
       {amount, amount},
       {{'a', '+', 'b', "Both grades give {=} {t}.", "{t} from both grades"}}},
  };
}

static std::vector<clause> school_middles() {
  return {
      {"The principal donates {a} more {t}.",
       {amount},
       {{'V', '+', 'a', "With the donation there are {=} {t}.", "{t} after the donation"}}},
      {"Then {a} parents bring {b} {t} each.",
       {factor, factor},
       {{'a', '*', 'b', "The parents bring {=} {t}.", "{t} brought by the parents"},
        {'V', '+', 'P', "With those of the parents there are {=} {t}.",
         "{t} with those of the parents"}}},
      {"During the term {a} {t} get lost.",
       {part},
       {{'V', '-', 'a', "The losses leave {=} {t}.", "{t} left after the losses"}}},
      {"{S} lends {a} {t} to the class next door and never gets them back.",
       {part},
       {{'V', '-', 'a', "After the loan {=} {t} remain.", "{t} left after the loan"}}},
      {"The art club adds half as many {t} as the class has by then.",
       {},
       {{'V', '/', '2', "The art club adds {=} {t}.", "{t} from the art club"},
        {'V', '+', 'P', "With the art club that makes {=} {t}.", "{t} with the art club"}}},
      {"At the end of the term {a} percent of the {t} are worn out and thrown away.",
       {percent},
       {{'V', '*', 'a', "To find {a} percent of the {t}, first take {=}.",
         "the {t} times the worn-out percentage"},
        {'P', '/', 'H', "The worn-out {t} number {=}.", "{t} worn out"},
        {'V', '-', 'P', "Those in good shape number {=} {t}.", "{t} still in good shape"}}},
      {"A grant raises the number of {t} to {a} times what it was.",
       {factor},
       {{'V', '*', 'a', "The grant raises it to {=} {t}.", "{t} after the grant"}}},
      {"Each of {a} visiting students takes home {b} {t}.",
       {factor, factor},
       {{'a', '*', 'b', "The visitors take {=} {t}.", "{t} taken by the visitors"},
        {'V', '-', 'P', "The visitors leave {=} {t}.", "{t} left by the visitors"}}},
      {"The science club gives {h} class twice as many {t} as the class has by then.",
       {},
       {{'V', '*', '2', "The science club gives {=} {t}.", "{t} from the science club"},
        {'V', '+', 'P', "With the science club that makes {=} {t}.", "{t} with the science club"}}},
  };
}

static std::vector<clause> school_finishes() {
  return {
      {"How many {t} does the class have in the end?", {}, {}},
      {"The {t} are shared equally among {a} students. How many {t} does each student get?",
       {factor},
       {{'V', '/', 'a', "Each student gets {=} {t}.", "{t} for each student"}}},
      {"To replace all of the {t}, the school would pay ${a} for each. How many dollars would that "
       "cost?",
       {price},
       {{'V', '*', 'a', "Replacing them would cost {=} dollars.", "dollars to replace the {t}"}}},
  };
}

frame school_frame() {
  return {{"pencils", "crayons", "stickers", "markers", "erasers", "rulers"},
          school_openings(),
          school_middles(),
          school_finishes()};
}

} // namespace tenbit::arith
