package shop.orders;

import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** What goes wrong, each time with the number it is given. */
public class Pricing {
    private static final Map<String, Integer> PRICES = Map.of("apple", 20);

    static int priceOf(String sku) {
        return PRICES.get(sku);
    }

    static int total(List<String> skus) {
        return skus.stream().mapToInt(sku -> priceOf(sku)).sum();
    }

    static int quantity(String text) {
        return Integer.parseInt(text);
    }

    static int depth(int number) {
        return number == 0 ? quantity("x" + number) : depth(number - 1);
    }

    static class Basket {
        private final List<String> lines;

        Basket(List<String> lines) {
            if (lines.isEmpty()) throw new IllegalArgumentException("an empty basket");
            this.lines = lines;
        }

        String line(int number) {
            return lines.get(number);
        }

        Function<Integer, String> reader() {
            return new Function<>() {
                @Override
                public String apply(Integer number) {
                    return line(number).trim();
                }
            };
        }
    }
}
