import type { Theme } from "vitepress";
import DefaultTheme from "vitepress/theme";
import Quality from "./measured/Quality.vue";
import Speed from "./measured/Speed.vue";
import Playground from "./playground/Playground.vue";
import "./style.css";

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component("Playground", Playground).component("Quality", Quality).component("Speed", Speed);
  },
} satisfies Theme;
