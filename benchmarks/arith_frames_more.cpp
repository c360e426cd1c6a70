#include "benchmarks/arith_language.hpp"

namespace tenbit::arith {

using enum draw;

static std::vector<clause> travel_openings() {
  return {
      {"{N} sets out on a long journey and covers {a} {t} on the first day.", {amount}, {}},
      {"{N} begins a long journey by train, riding {a} hours at {b} {t} per hour.",
       {factor, amount},
       {{'a', '*', 'b', "The train ride covers {=} {t}.", "{t} covered by train"}}},
      {"{N} starts a tour with {a} {t} by bus and {b} {t} by ferry.",
       {amount, amount},
       {{'a', '+', 'b', "Bus and ferry cover {=} {t}.", "{t} covered by bus and ferry"}}},
  };
}

static std::vector<clause> travel_middles() {
  return {
      {"After a rest {s} takes a boat for {a} more {t}.",
       {amount},
       {{'V', '+', 'a', "With the boat that makes {=} {t}.", "{t} after the boat ride"}}},
      {"Next {s} cycles for {a} hours at {b} {t} per hour.",
       {factor, price},
       {{'a', '*', 'b', "The bicycle covers {=} {t}.", "{t} covered by bicycle"},
        {'V', '+', 'P', "With the bicycle that makes {=} {t}.", "{t} after the bicycle ride"}}},
      {"A friend takes {h} along by car, {a} {t} a day for {b} days.",
       {amount, factor},
       {{'a', '*', 'b', "The car covers {=} {t}.", "{t} covered by car"},
        {'V', '+', 'P', "With the car that makes {=} {t}.", "{t} after the car ride"}}},
      {"The next leg is half as long as everything so far.",
       {},
       {{'V', '/', '2', "That leg is {=} {t} long.", "{t} on the leg that is half as long"},
        {'V', '+', 'P', "Adding that leg makes {=} {t}.", "{t} after the leg half as long"}}},
      {"The flight that follows is twice as long as everything so far.",
       {},
       {{'V', '*', '2', "The flight is {=} {t} long.", "{t} covered by the flight"},
        {'V', '+', 'P', "Adding the flight makes {=} {t}.", "{t} after the flight"}}},
      {"A detour makes the distance so far {a} percent longer.",
       {percent},
       {{'V', '*', 'a', "To find {a} percent of the distance, first take {=}.",
         "the distance times the percentage of the detour"},
        {'P', '/', 'H', "The detour is {=} {t} long.", "{t} added by the detour"},
        {'V', '+', 'P', "Adding the detour makes {=} {t}.", "{t} after the detour"}}},
      {"Looking at the map, {s} sees that {a} {t} were counted by mistake and takes them off.",
       {part},
       {{'V', '-', 'a', "Corrected, the distance is {=} {t}.", "{t} after the correction"}}},
      {"The route is so beautiful that {s} travels all of it {a} times in total.",
       {factor},
       {{'V', '*', 'a', "All rounds together are {=} {t}.", "{t} on all rounds together"}}},
      {"To meet {O}, {s} goes {a} {t} further.",
       {amount},
       {{'V', '+', 'a', "At the meeting {s} has covered {=} {t}.", "{t} at the meeting with {O}"}}},
  };
}

static std::vector<clause> travel_finishes() {
  return {
      {"How many {t} has {N} covered in all?", {}, {}},
      {"The whole journey took {a} days, with the same distance on each day. How many {t} is that "
       "per day?",
       {factor},
       {{'V', '/', 'a', "Each day has {=} {t}.", "{t} per day"}}},
      {"A sponsor donates ${a} for every one of these {t}. How many dollars does the sponsor "
       "donate?",
       {price},
       {{'V', '*', 'a', "The sponsor donates {=} dollars.", "dollars donated by the sponsor"}}},
  };
}

frame travel_frame() {
  return {{"kilometers", "miles"}, travel_openings(), travel_middles(), travel_finishes()};
}

static std::vector<clause> baking_openings() {
  return {
      {"{N} bakes {a} {t} for the town fair.", {amount}, {}},
      {"{N} bakes {a} trays of {t}, with {b} {t} on each tray.",
       {factor, factor},
       {{'a', '*', 'b', "The trays hold {=} {t}.", "{t} on the trays"}}},
      {"On a rainy morning {N} bakes {a} plain {t} and {b} {t} with nuts.",
       {amount, amount},
       {{'a', '+', 'b', "Plain and with nuts, that is {=} {t}.", "{t} baked in the morning"}}},
  };
}

static std::vector<clause> baking_middles() {
  return {
      {"{O} brings {a} more {t} from home.",
       {amount},
       {{'V', '+', 'a', "With those of {O} there are {=} {t}.", "{t} with those of {O}"}}},
      {"In the afternoon {s} fills {a} pans, and each pan makes {b} more {t}.",
       {factor, factor},
       {{'a', '*', 'b', "The pans make {=} {t}.", "{t} from the pans"},
        {'V', '+', 'P', "With the pans there are {=} {t}.", "{t} with those from the pans"}}},
      {"{S} drops {a} of the {t} on the floor and has to throw them out.",
       {part},
       {{'V', '-', 'a', "Without the dropped ones {=} {t} remain.",
         "{t} left without the dropped ones"}}},
      {"The neighbors eat {a} {t}.",
       {part},
       {{'V', '-', 'a', "The neighbors leave {=} {t}.", "{t} left by the neighbors"}}},
      {"A group of {a} children comes by, and each child eats {b} {t}.",
       {factor, factor},
       {{'a', '*', 'b', "The children eat {=} {t}.", "{t} eaten by the children"},
        {'V', '-', 'P', "The children leave {=} {t}.", "{t} left by the children"}}},
      {"{S} freezes half of the {t} and keeps the other half for the fair.",
       {},
       {{'V', '/', '2', "Half of the {t} is {=}.", "{t} that are not frozen"}}},
      {"A friend adds twice as many {t} as there are already.",
       {},
       {{'V', '*', '2', "The friend adds {=} {t}.", "{t} from the friend"},
        {'V', '+', 'P', "With the friend there are {=} {t}.", "{t} with those of the friend"}}},
      {"Another baker adds half as many {t} as there are already.",
       {},
       {{'V', '/', '2', "The other baker adds {=} {t}.", "{t} from the other baker"},
        {'V', '+', 'P', "With the other baker there are {=} {t}.",
         "{t} with those of the other baker"}}},
      {"A restaurant orders {a} percent of the {t} and picks them up.",
       {percent},
       {{'V', '*', 'a', "To find {a} percent of the {t}, first take {=}.",
         "the {t} times the ordered percentage"},
        {'P', '/', 'H', "The restaurant orders {=} {t}.", "{t} ordered by the restaurant"},
        {'V', '-', 'P', "The restaurant leaves {=} {t}.", "{t} left by the restaurant"}}},
  };
}

static std::vector<clause> baking_finishes() {
  return {
      {"How many {t} does {N} have at the end?", {}, {}},
      {"{S} sells the {t} that are left for ${a} each. How many dollars does {s} collect?",
       {price},
       {{'V', '*', 'a', "{S} collects {=} dollars.", "dollars collected"}}},
      {"{S} puts the {t} that are left on plates of {a}. How many plates does {s} need?",
       {factor},
       {{'V', '/', 'a', "{S} needs {=} plates.", "plates needed"}}},
  };
}

frame baking_frame() {
  return {{"cookies", "muffins", "rolls", "pretzels", "waffles", "cupcakes"},
          baking_openings(),
          baking_middles(),
          baking_finishes()};
}

static std::vector<clause> savings_openings() {
  return {
      {"{N} is saving for a new {t} and already has ${a}.", {amount}, {}},
      {"{N} is saving for a new {t} and earns ${a} an hour for {b} hours of work.",
       {price, factor},
       {{'a', '*', 'b', "The work pays {=} dollars.", "dollars earned by the work"}}},
      {"To buy a new {t}, {N} saves ${a} in the spring and ${b} in the summer.",
       {amount, amount},
       {{'a', '+', 'b', "Spring and summer bring {=} dollars.",
         "dollars saved in spring and summer"}}},
  };
}

static std::vector<clause> savings_middles() {
  return {
      {"{H} aunt sends ${a} as a gift.",
       {amount},
       {{'V', '+', 'a', "With the gift {s} has {=} dollars.", "dollars after the gift"}}},
      {"Then {s} puts aside ${a} a week for {b} weeks.",
       {price, factor},
       {{'a', '*', 'b', "The weeks bring {=} dollars.", "dollars put aside in those weeks"},
        {'V', '+', 'P', "With those weeks {s} has {=} dollars.", "dollars after those weeks"}}},
      {"{S} spends ${a} on a birthday present.",
       {part},
       {{'V', '-', 'a', "The present leaves {=} dollars.", "dollars left after the present"}}},
      {"{S} buys {a} books at ${b} each.",
       {factor, price},
       {{'a', '*', 'b', "The books cost {=} dollars.", "dollars spent on books"},
        {'V', '-', 'P', "The books leave {=} dollars.", "dollars left after the books"}}},
      {"{S} gives half of the money to {O} as a loan.",
       {},
       {{'V', '/', '2', "The loan leaves {=} dollars.", "dollars left after the loan"}}},
      {"The bank pays {a} percent interest on the money.",
       {percent},
       {{'V', '*', 'a', "To find the interest of {a} percent, first take {=}.",
         "the money times the percentage of interest"},
        {'P', '/', 'H', "The interest is {=} dollars.", "dollars of interest"},
        {'V', '+', 'P', "With the interest {s} has {=} dollars.", "dollars with the interest"}}},
      {"{S} gives {a} percent of the money to charity.",
       {percent},
       {{'V', '*', 'a', "To find {a} percent of the money, first take {=}.",
         "the money times the percentage given away"},
        {'P', '/', 'H', "The charity gets {=} dollars.", "dollars for the charity"},
        {'V', '-', 'P', "The charity leaves {=} dollars.", "dollars left after the charity"}}},
      {"{H} parents add twice the amount that {s} has by then.",
       {},
       {{'V', '*', '2', "The parents add {=} dollars.", "dollars from the parents"},
        {'V', '+', 'P', "With the parents that makes {=} dollars.", "dollars with the parents"}}},
      {"{H} grandmother adds half the amount that {s} has by then.",
       {},
       {{'V', '/', '2', "The grandmother adds {=} dollars.", "dollars from the grandmother"},
        {'V', '+', 'P', "With the grandmother that makes {=} dollars.",
         "dollars with the grandmother"}}},
  };
}

static std::vector<clause> savings_finishes() {
  return {
      {"How many dollars does {N} have for the {t} now?", {}, {}},
      {"{S} spreads the money evenly over {a} jars. How many dollars are in each jar?",
       {factor},
       {{'V', '/', 'a', "Each jar gets {=} dollars.", "dollars in each jar"}}},
      {"The {t} costs ${a}, and {s} buys it. How many dollars are left?",
       {part},
       {{'V', '-', 'a', "Paying for the {t} leaves {=} dollars.",
         "dollars left after paying for the {t}"}}},
  };
}

frame savings_frame() {
  return {{"bicycle", "guitar", "camera", "telescope", "tent", "laptop"},
          savings_openings(),
          savings_middles(),
          savings_finishes()};
}

} // namespace tenbit::arith
